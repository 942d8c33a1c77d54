/** Resources of a scenario, ended in reverse order of their start. */
export interface Resources extends AsyncDisposable {
  /** Keeps the resource and returns it. */
  add<Resource extends AsyncDisposable>(resource: Resource): Resource;
}

/** For scenarios that start a varying number of servers and loads: `await using resources = createResources()`. */
export function createResources(): Resources {
  const kept: AsyncDisposable[] = [];
  return {
    add(resource) {
      kept.push(resource);
      return resource;
    },
    async [Symbol.asyncDispose]() {
      for (const resource of kept.toReversed()) await resource[Symbol.asyncDispose]();
    },
  };
}
