export { standardCatalogue } from './catalogue.ts'
export { type FetchProgramOptions, fetchProgram, type ProgramFile } from './fetch-program.ts'
export { type FetchTextOptions, fetchText } from './fetch-text.ts'
export { fitModel } from './fit.ts'
export { type GgufHeader, readGgufHeader } from './gguf.ts'
export { createModelLibrary, type ModelLibraryOptions } from './library.ts'
export { readLlamafile } from './llamafile.ts'
export { createModelLoading, type ModelLoading, type ModelLoadingOptions } from './model-loading.ts'
export { createModelService, type ModelService, type ModelServiceOptions, type PullStep } from './model-service.ts'
export { createModelUses, type ModelUses } from './model-uses.ts'
export type {
  CatalogueEntry,
  FetchOptions,
  FetchProgress,
  KnownModel,
  LibraryModel,
  ListedModel,
  ModelFit,
  ModelFormat,
  ModelLibrary,
} from './models.ts'
export type { DiskModel, DiskNotice } from './on-disk/disk-model.ts'
export {
  createDiskModels,
  type DiskModels,
  type DiskModelsOptions,
  toPartPath,
} from './on-disk/disk-models.ts'
export { assertPullable, type PullableOptions } from './pullable.ts'
export {
  type ListedBackend,
  type ParsedReference,
  parseReference,
  type ResolvedCandidate,
  type ResolvedReference,
  resolveReference,
} from './references.ts'
export { describePlace, parseSourcePlace, type SourcePlace } from './source-place.ts'
