/**
 * For fastify: the contract parses inputs and writes outputs, so that its own compilers of JSON schemas would be loaded for
 * nothing, in some 2 MB. The bundle has them not.
 */
export const NO_SCHEMAS = { compilersFactory: { buildValidator: (() => () => () => true) as never, buildSerializer: (() => () => JSON.stringify) as never } };
