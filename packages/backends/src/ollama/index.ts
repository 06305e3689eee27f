export { createOllamaBackend, type OllamaBackendOptions } from './ollama-backend.ts'
export { type OllamaHost, parseOllamaHost } from './ollama-host.ts'
export { ollamaBackendType } from './ollama-type.ts'
