/** Deadlines of the host, in milliseconds. `specs/lifecycle.md` gives plugin authors the same numbers. */
export interface SubprocessTimeouts {
  /** From the start of the process to the answer of `hello`. */
  helloMs: number
  /** For `is_running`. It passing says nothing about the chats. */
  healthMs: number
  /** For questions: `get_info`, `list_models`, `show_model`, `count_tokens`. */
  callMs: number
  /** For work: `start`, `load_model`, `unload_model`, `remove_model`, `embed`; for `pull_model` between two steps. */
  workMs: number
  /** From `cancel` to the response; then the process is killed. */
  cancelMs: number
  /** From the end of its stdin to its exit; then it gets SIGTERM. Also for `stop`. */
  exitMs: number
  /** From SIGTERM to its exit; then it is killed. */
  terminateMs: number
}

export const defaultTimeouts: SubprocessTimeouts = {
  helloMs: 30_000,
  healthMs: 5_000,
  callMs: 30_000,
  workMs: 600_000,
  cancelMs: 5_000,
  exitMs: 5_000,
  terminateMs: 2_000,
}
