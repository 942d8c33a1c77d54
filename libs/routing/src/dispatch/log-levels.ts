import { LOG_LEVELS } from '../adapt/era.js';
import type { UpstreamChannel } from '../upstream/channel.js';

/** Limit for an upstream's answer. */
const TIMEOUT_MS = 30_000;

/** Levels that legacy channels were told, so that they are told only when a caller wants more than before. */
const told = new WeakMap<UpstreamChannel, string>();

/**
 * Makes sure that a legacy upstream sends log messages of this level: asks for it unless a level at least as
 * talkative was asked for before, so one caller's level never silences another's (requirement 54). What a caller
 * does not want is left out on its own way back. Modern upstreams get the level with each request instead.
 *
 * @param exactly - the channel serves one session alone: follow its level down and up
 */
export function ensureLogLevel(
  channel: UpstreamChannel,
  level: string,
  owner: string,
  exactly: boolean,
): void {
  if (level === '' || channel.info.era !== 'legacy' || channel.info.capabilities['logging'] === undefined)
    return;
  const before = told.get(channel);
  if (before === level) return;
  if (!exactly && before !== undefined && LOG_LEVELS.indexOf(before) <= LOG_LEVELS.indexOf(level)) return;
  told.set(channel, level);
  const timer = setTimeout(() => sent.cancel('timeout'), TIMEOUT_MS);
  timer.unref();
  const sent = channel.request(
    {
      method: 'logging/setLevel',
      name: '',
      params: Buffer.from(JSON.stringify({ level })),
      progressTokenStart: -1,
      progressTokenEnd: -1,
      protocolVersion: channel.info.protocolVersion,
      deadlineAt: 0,
      logLevel: '',
      owner,
    },
    {
      onNotification: () => undefined,
      onServerRequest: (_request, respond) =>
        respond('error', Buffer.from('{"code":-32601,"message":"Not now"}')),
      onResult: () => clearTimeout(timer),
      // The upstream refused: it keeps its own level, and the caller's calls go on.
      onError: () => clearTimeout(timer),
    },
  );
}

/** Forgets what the channel was told: its upstream session is new. */
export function forgetLogLevel(channel: UpstreamChannel): void {
  told.delete(channel);
}
