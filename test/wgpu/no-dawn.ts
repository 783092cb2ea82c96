/** Stands for the package `webgpu` where tests are to run on wgpu: without an adapter of Deno's own there is none. */
throw new Error("these tests are of wgpu");
