// node built-bridge.mjs CHECKOUT …: the built mcp-bridge command of a checkout and nothing else. Its own launcher would
// run the sources when a build is not current.
import { pathToFileURL } from 'node:url';

const [checkout] = process.argv.splice(2, 1);
const { main } = await import(pathToFileURL(`${checkout}/apps/bridge/dist/main.js`).href);
process.exit(await main(process.argv));
