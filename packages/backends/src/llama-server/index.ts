export { createLlamaServerBackend, type LlamaServerBackendOptions } from './llama-server-backend.ts'
export { createLlamaServerType, llamaServerBackendType } from './llama-server-type.ts'
export {
  createManagedLlamaServerBackend,
  type ManagedLlamaServerOptions,
  modelInArguments,
} from './managed/index.ts'
