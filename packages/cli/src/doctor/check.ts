import type { ErrorCode } from 'lmapp-kit'

/** One thing that was looked at. `note` and `warning` do not keep lmapp from answering. */
export interface Check {
  name: string
  state: 'ok' | 'note' | 'warning' | 'problem'
  message: string
  /** The command, or what else mends it. */
  mend?: string
  /** Of a problem: what a command would fail with. */
  code?: ErrorCode
}
