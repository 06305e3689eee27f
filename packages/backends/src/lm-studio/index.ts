export { createLmStudioBackend, type LmStudioOptions } from './lm-studio-backend.ts'
export { lmStudioBackendType } from './lm-studio-type.ts'
