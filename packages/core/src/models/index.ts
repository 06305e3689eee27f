export { standardCatalogue } from './catalogue.ts'
export { type GgufHeader, readGgufHeader } from './gguf.ts'
export { createModelLibrary, type ModelLibraryOptions } from './library.ts'
export { createModelService, type ModelService, type ModelServiceOptions, type PullStep } from './model-service.ts'
export type {
  CatalogueEntry,
  FetchOptions,
  FetchProgress,
  LibraryModel,
  ListedModel,
  ModelLibrary,
} from './models.ts'
export {
  type ListedBackend,
  type ParsedReference,
  parseReference,
  type ResolvedCandidate,
  type ResolvedReference,
  resolveReference,
} from './references.ts'
