import type { Output } from './output.ts'

/** One indented JSON value. */
export function printJson(stdout: Output, value: unknown): Promise<void> {
  return stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}
