export { readText, workspaceFiles, root } from './workspace.js';
