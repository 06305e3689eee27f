export { type MockDefinition, mockBackendType } from './mock-backend-type.ts'
