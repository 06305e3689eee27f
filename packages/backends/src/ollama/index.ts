export { createOllamaBackend, type OllamaBackend, type OllamaBackendOptions } from './ollama-backend.ts'
export { type OllamaHost, parseOllamaHost } from './ollama-host.ts'
export {
  createOllamaType,
  type OllamaContext,
  type OllamaType,
  type OllamaTypeOptions,
} from './ollama-type.ts'
export type { OllamaInspection } from './owner/inspect.ts'
export { createMachine, type Machine } from './owner/machine.ts'
