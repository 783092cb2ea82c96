/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** Of the library, from package.json. */
  readonly LIBRARY_VERSION: string;
}
