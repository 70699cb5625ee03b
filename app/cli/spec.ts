/**
 * A command as plain data, made from an operation's record (`describe.ts`) and kept in `commands.generated.json`: so the
 * command line needs neither schemas nor code of its own per operation, and answers as fast as Node starts.
 */
export interface CommandSpec {
  readonly id: string;
  /** `['store', 'slots', 'list']` */
  readonly words: readonly string[];
  readonly summary: string;
  readonly permission: string | null;
  /** Needs an open store. */
  readonly needsStore: boolean;
  /** Needs none, and opens it if a file gives the passphrase. */
  readonly opensStoreIfGiven?: true;
  /** Needs none where all of these fields are given. */
  readonly withoutStore?: readonly string[];
  /** Reports progress while it runs. */
  readonly progress: boolean;
  readonly http: { readonly method: string; readonly path: string };
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** Fields without which nothing can be done, and how each is given. */
  readonly required: readonly { readonly path: string; readonly by: string }[];
  /** Alternatives within the input. */
  readonly unions: readonly UnionSpec[];
  readonly check?: string;
  readonly out?: OutputSpec;
  readonly outs?: Readonly<Record<string, OutputSpec>>;
  readonly stdout?: Readonly<Record<string, true>>;
  readonly table?: { readonly rows: string; readonly columns: readonly string[]; readonly tree?: true };
  readonly text?: string;
  readonly shown?: readonly string[];
  readonly examples?: readonly string[];
  readonly prompts?: Readonly<Record<string, string>>;
  readonly background?: true;
}

/** How a word of the command line becomes a value of the input. */
export type Kind =
  | 'text' | 'number' | 'time' | 'flag' | 'record'
  /** A text, number, truth value or null, as JSON would read it; else text. */
  | 'value'
  /** A file whose bytes are the value. */
  | 'bytes'
  /** A file's path, made absolute. */
  | 'path';

/** One field of an operation’s input, as the command line gives it. */
export interface FieldSpec {
  /** Dotted path in the input. */
  readonly path: string;
  readonly kind: Kind;
  readonly many?: true;
  readonly choices?: readonly string[];
  /** `none` stands for null. */
  readonly nullable?: true;
  /** Of a `path`: the value is a record with the path in this field. */
  readonly within?: string;
  /** Of a `path`: a file that is read, and may be standard input. */
  readonly reads?: true;
  /** Of `bytes`: the most that is read. */
  readonly most?: number;
  /** Of `bytes`: the field that gets the file's name. */
  readonly nameTo?: string;
}

export interface ArgumentSpec extends FieldSpec {
  readonly name: string;
  readonly required: boolean;
  /** A file of that name goes there instead, as bytes. */
  readonly fileOr?: { readonly path: string; readonly most: number };
}

export interface OptionSpec extends FieldSpec {
  /** Without the dashes. */
  readonly name: string;
  readonly default?: unknown;
  /** A flag that puts the bytes of `--in` here instead. */
  readonly instead?: true;
}

export interface UnionSpec {
  readonly path: string;
  readonly variants: readonly { readonly required: readonly string[]; readonly constants: Readonly<Record<string, true>>; readonly fields: readonly string[] }[];
}

export interface OutputSpec {
  /** Dotted path in the output. */
  readonly path: string;
  /** base64url there; else text. */
  readonly bytes: boolean;
  /** For the owner's eyes alone. */
  readonly secret?: true;
}
