export { createLlamaServerBackend, type LlamaServerBackendOptions } from './llama-server-backend.ts'
export { llamaServerBackendType } from './llama-server-type.ts'
