/** The project's own source as a text to learn from; a chunk of its own, fetched only when it is chosen. */
const files: Record<string, string> = {
  ...import.meta.glob<string>(["../../../src/**/*.ts", "!../../../src/**/*.generated.ts"], {
    query: "?raw",
    import: "default",
    eager: true,
  }),
  ...import.meta.glob<string>("../../../shaders/**/*.wgsl", { query: "?raw", import: "default", eager: true }),
};

export const sourceCode = Object.keys(files)
  .sort()
  .map((path) => files[path])
  .join("\n");
