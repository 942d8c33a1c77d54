/** What is often there at once: a promise only where something has to be waited for. */
export type NowOrLater<Value> = Value | Promise<Value>;

/** `next` of the value: at once when it is there, which costs a call neither a promise nor a turn of the queue. */
export function andThen<Value, Next>(
  value: NowOrLater<Value>,
  next: (value: Value) => NowOrLater<Next>,
): NowOrLater<Next> {
  return value instanceof Promise ? value.then(next) : next(value);
}
