export { addGateway, composeGateway } from './compose-gateway.js';
export { startGateway } from './gateway.js';
export type { Gateway, GatewayOptions } from './gateway.js';
export { serveStdio } from './stdio/serve-stdio.js';
export type { StdioClient, StdioOptions } from './stdio/serve-stdio.js';
export { lineOf, MessageLines } from './channels/message-lines.js';
export type { LineReceiver } from './channels/message-lines.js';
