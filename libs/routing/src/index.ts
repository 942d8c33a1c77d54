export { addRouting, composeRouter } from './compose-router.js';
export { createRouting } from './create-routing.js';
export type { Routing, RoutingOptions } from './create-routing.js';
