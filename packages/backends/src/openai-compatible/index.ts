export { createOpenAiCompatibleBackend, type OpenAiCompatibleOptions } from './openai-compatible-backend.ts'
export { openaiCompatibleBackendType } from './openai-compatible-type.ts'
