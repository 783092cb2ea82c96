// Names of a cell become members of WGSL structs. Those with an underscore are left out, because no cell's name has one.

/** https://www.w3.org/TR/WGSL/#keyword-summary */
const keywords = `
alias break case const continue continuing default diagnostic discard else enable false fn for if let loop override requires
return struct switch true var while`;

/** https://www.w3.org/TR/WGSL/#reserved-words */
const reserved = `
NULL Self abstract active alignas alignof as asm async attribute auto await become cast catch class coherent common compile
concept consteval constexpr constinit crate debugger decltype delete demote do enum explicit export extends extern external
fallthrough filter final finally friend from fxgroup get goto groupshared highp impl implements import inline instanceof
interface layout lowp macro match mediump meta mod module move mut mutable namespace new nil noexcept noinline
nointerpolation noncoherent noperspective null nullptr of operator package packoffset partition pass patch pixelfragment
precise precision premerge priv protected pub public readonly ref regardless register require resource restrict self set
shared sizeof smooth snorm static std subroutine super target template this throw trait try type typedef typeid typename
typeof union unless unorm unsafe unsized use using varying virtual volatile wgsl where with writeonly yield`;

const listed = (text: string): readonly string[] => text.trim().split(/\s+/);
const kinds: ReadonlyMap<string, string> = new Map([
  ...listed(keywords).map((word) => [word, "a keyword"] as const),
  ...listed(reserved).map((word) => [word, "a reserved word"] as const),
]);

export const wordsOfWgsl: readonly string[] = [...kinds.keys()];

/** Why WGSL does not take a name of letters and digits: "a keyword", "a reserved word", or undefined, because it does. */
export const wordOfWgsl = (name: string): string | undefined => kinds.get(name);
