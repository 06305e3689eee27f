export { type BackendControl, createBackendControl } from './backend-control.ts'
export type { BackendReport, BackendReports } from './backend-reports.ts'
export { createBackendReports } from './backend-reports.ts'
export type { BackendContext, BackendDefinition, BackendType, Inspection } from './backend-type.ts'
export {
  type BackendGauge,
  type BackendRegistry,
  type BackendRegistryOptions,
  createBackendRegistry,
  type RegisteredBackend,
} from './registry.ts'
