/** A JSON Schema (2020-12 unless `$schema` says draft-07), as a literal so that types can be read from it. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/**
 * The values that a schema literal describes. Understood: `type` (also lists of types), `properties`, `required`,
 * `additionalProperties: false | {…}` without properties, `items`, `prefixItems`, `enum`, `const`, `anyOf`, `oneOf`,
 * `allOf`. Anything else (`$ref`, conditions, patterns) is checked at run time and is `unknown` here.
 */
export type FromSchema<S> = S extends { readonly const: infer Value }
  ? Value
  : S extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : S extends { readonly anyOf: readonly (infer Branch)[] }
      ? FromBranch<Branch>
      : S extends { readonly oneOf: readonly (infer Branch)[] }
        ? FromBranch<Branch>
        : S extends { readonly allOf: readonly (infer Branch)[] }
          ? Intersection<FromBranchBoxed<Branch>>
          : S extends { readonly type: infer Type }
            ? FromTypes<Type, S>
            : S extends { readonly properties: infer Properties }
              ? FromProperties<Properties, S>
              : unknown;

type FromBranch<Branch> = Branch extends unknown ? FromSchema<Branch> : never;
type FromBranchBoxed<Branch> = Branch extends unknown ? [FromSchema<Branch>] : never;
/** Function parameters are where TypeScript turns a union into an intersection. */
type Intersection<Boxed> = (Boxed extends unknown ? (box: Boxed) => void : never) extends (
  box: infer All,
) => void
  ? All extends [infer Value]
    ? Value
    : unknown
  : unknown;

type FromTypes<Type, S> = Type extends readonly (infer Each)[]
  ? FromEachType<Each, S>
  : FromEachType<Type, S>;
type FromEachType<Type, S> = Type extends 'string'
  ? string
  : Type extends 'number' | 'integer'
    ? number
    : Type extends 'boolean'
      ? boolean
      : Type extends 'null'
        ? null
        : Type extends 'array'
          ? FromArray<S>
          : Type extends 'object'
            ? FromObject<S>
            : unknown;

type FromArray<S> = S extends { readonly prefixItems: infer Items extends readonly unknown[] }
  ? { -readonly [Index in keyof Items]: FromSchema<Items[Index]> }
  : S extends { readonly items: infer Item }
    ? FromSchema<Item>[]
    : unknown[];

type FromObject<S> = S extends { readonly properties: infer Properties }
  ? FromProperties<Properties, S>
  : S extends { readonly additionalProperties: false }
    ? Record<string, never>
    : S extends { readonly additionalProperties: infer Value extends object }
      ? Record<string, FromSchema<Value>>
      : Record<string, unknown>;

type RequiredKeys<S> = S extends { readonly required: readonly (infer Key)[] } ? Key : never;
type FromProperties<Properties, S> = Flat<
  {
    -readonly [Key in keyof Properties as Key extends RequiredKeys<S> ? Key : never]: FromSchema<
      Properties[Key]
    >;
  } & {
    -readonly [Key in keyof Properties as Key extends RequiredKeys<S> ? never : Key]?: FromSchema<
      Properties[Key]
    >;
  }
>;
type Flat<T> = { [Key in keyof T]: T[Key] };
