export { type FoundLlamafile, findLlamafiles, usualLlamafileFolders } from './find-llamafiles.ts'
export { createLlamafileBackend, type LlamafileOptions } from './llamafile-backend.ts'
export { createLlamafileType, type LlamafileDependencies } from './llamafile-type.ts'
