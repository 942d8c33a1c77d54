import { openLegacySession } from '@mcp-bridge/testkit';
import { LEGACY_CAPABILITIES, LEGACY_VERSIONS } from '../../corpus/legacy.js';
import type { Random } from '../../random.js';
import { OTHER_KEY, type Target } from '../../target/target.js';

interface OpenSession {
  readonly token: string;
  readonly version: string;
}

const PER_VERSION = 4;
const KEPT_SPARE = 64;

/** Sessions of 2025 clients that requests can be sent in. */
export class HttpSessions {
  readonly #controls: ReadonlyMap<string, string>;
  readonly #foreign: ReadonlyMap<string, string>;
  readonly #pool: OpenSession[];
  readonly #spare: OpenSession[] = [];

  private constructor(controls: OpenSession[], foreign: OpenSession[], pool: OpenSession[]) {
    this.#controls = new Map(controls.map(({ version, token }) => [version, token]));
    this.#foreign = new Map(foreign.map(({ version, token }) => [version, token]));
    this.#pool = pool;
  }

  static async open({ url }: Target): Promise<HttpSessions> {
    const open = async (version: string, key: string): Promise<OpenSession> => {
      const { id } = await openLegacySession(url, {
        protocolVersion: version,
        capabilities: LEGACY_CAPABILITIES,
        headers: key === '' ? {} : { 'x-api-key': key },
      });
      if (id === undefined) throw new Error(`the bridge opened no session of ${version}`);
      return { token: id, version };
    };
    const each = (key: string): Promise<OpenSession[]> =>
      Promise.all(LEGACY_VERSIONS.map((version) => open(version, key)));
    const pools = await Promise.all(Array.from({ length: PER_VERSION }, () => each('')));
    return new HttpSessions(await each(''), await each(OTHER_KEY), pools.flat());
  }

  /** Only valid calls are made in it. */
  control(version: string): string {
    return this.#controls.get(version) ?? '';
  }

  /** Of another tenant. */
  foreign(version: string): string {
    return this.#foreign.get(version) ?? '';
  }

  some(random: Random): OpenSession {
    return random.pick(this.#pool);
  }

  /** A session that was opened on the way and that nobody misses; '' when there is none. */
  spare(): string {
    return this.#spare.shift()?.token ?? '';
  }

  opened(session: OpenSession): void {
    this.#spare.push(session);
    if (this.#spare.length > KEPT_SPARE) this.#spare.shift();
  }

  /** A session of the pool has ended; another one takes its place. */
  lost(token: string): void {
    const at = this.#pool.findIndex((session) => session.token === token);
    const instead = this.#spare.pop();
    if (at >= 0 && instead !== undefined) this.#pool[at] = instead;
  }
}
