import type { ErrorData, RunEnd, RunEvent, RunSnapshot } from 'lmapp-kit'

/** Shows a run on stdout and stderr. */
export interface RunPrinter {
  /** Resolves when the next event may come. */
  print(event: Exclude<RunEvent, RunEnd> | RunSnapshot): Promise<void>
  /** The answer is over. Returns its exit code. */
  end(end: RunEnd): Promise<number>
  /** There is no end to show: what failed was the way to it. */
  fail(error: ErrorData): Promise<void>
  /** Takes away what is not to stay, when the command leaves in the middle. */
  leave(): Promise<void>
}
