export { addGateway, composeGateway } from './compose-gateway.js';
export { startGateway } from './gateway.js';
export type { Gateway, GatewayOptions } from './gateway.js';
