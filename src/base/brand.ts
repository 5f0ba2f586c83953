declare const brand: unique symbol;

/** A nominal type: only the decoders of its module may cast to it. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A documented number: arithmetic keeps working, the name tells the unit. */
export type Flavor<T, Name extends string> = T & { readonly [brand]?: Name };
