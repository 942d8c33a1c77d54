/** A module resolution hook that adds the condition under which workspace packages are their sources. */
export function resolve(specifier, context, nextResolve) {
  return nextResolve(specifier, { ...context, conditions: [...context.conditions, '@mcp-bridge/source'] });
}
