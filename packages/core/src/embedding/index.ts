export { createEmbedder, type Embedder, type EmbedderOptions, type EmbedRequest } from './create-embedder.ts'
