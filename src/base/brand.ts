declare const brand: unique symbol;

/**
 * A nominal type: only the decoders of its module may cast to it. The mark is a record, so that a
 * brand upon a brand (a node id is a principal) carries both instead of contradicting itself.
 */
export type Brand<T, Name extends string> = T & {
  readonly [brand]: { readonly [K in Name]: true };
};

/** A documented number: arithmetic keeps working, the name tells the unit. */
export type Flavor<T, Name extends string> = T & { readonly [brand]?: Name };
