import type { ExchangeEnd, ExchangeListener, HttpExchange } from './http-exchange.js';

/** Waits for the end of an exchange whose messages do not matter. */
export function exchangeEnd(start: (listener: ExchangeListener) => HttpExchange): {
  readonly ended: Promise<ExchangeEnd>;
  readonly exchange: HttpExchange;
} {
  let onEnd: (end: ExchangeEnd) => void = () => undefined;
  const ended = new Promise<ExchangeEnd>((resolve) => (onEnd = resolve));
  const exchange = start({ onMessage: () => undefined, onEnd });
  return { ended, exchange };
}

/** How an exchange ended whose messages do not matter; `undefined` when the time was over before. */
export async function exchangeEndWithin(
  timeoutMs: number,
  start: Parameters<typeof exchangeEnd>[0],
): Promise<ExchangeEnd | undefined> {
  const { ended, exchange } = exchangeEnd(start);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      exchange.abort();
      resolve(undefined);
    }, timeoutMs);
  });
  const end = await Promise.race([ended, late]);
  clearTimeout(timer);
  return end;
}
