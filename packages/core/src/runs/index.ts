export type { Run, RunManager, RunRequest } from './run.ts'
export { createRunManager, type RunManagerOptions } from './run-manager.ts'
