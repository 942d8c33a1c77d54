export { readText, repositoryFiles, root } from './workspace.js';
