// The built mcp-bridge command and nothing else: its own launcher would run the sources when a build is not current.
import { main } from '../../../../apps/bridge/dist/main.js';

process.exit(await main(process.argv));
