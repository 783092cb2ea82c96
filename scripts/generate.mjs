// Everything in src/ that is made from other files of the repository. Run: node scripts/generate.mjs
import "./shaders.mjs";
import "./wasm.mjs";
import "./python-modules.mjs";
