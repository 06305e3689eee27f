export {
  type EngineContext,
  type EngineDefinition,
  type EngineDependencies,
  type EngineInspection,
  inspectCommand,
} from './engine-type.ts'
export type { EngineEnd } from './explain-end.ts'
export {
  createManagedBackend,
  type EngineProgram,
  type ManagedBackendOptions,
  type ModelEngine,
} from './managed-backend.ts'
export { createMemoryBudget, type MemoryBudget, type MemoryBudgetOptions } from './memory-budget.ts'
export type { ModelFile, ModelFiles } from './model-file.ts'
export type { LaunchOptions } from './model-process.ts'
export type { MemoryPlan } from './plan-memory.ts'
