import { createOutput, type Output } from '../protocol/output.ts'

/**
 * Keeps the real stdout for the protocol, and sends to stderr what anything else writes by `console.log` or
 * `process.stdout`. What native code or a child process with inherited output writes to descriptor 1 itself cannot be
 * turned aside from within Node: such a library must be told to log to stderr, such a child be given other output.
 */
export function takeStdout(): { output: Output; flush: () => Promise<void> } {
  const { stdout, stderr } = process
  const write = stdout.write.bind(stdout)
  stdout.write = stderr.write.bind(stderr)
  // A reader that is gone shows as the end of stdin too; the write's own error has nothing to add.
  stdout.on('error', () => {})
  return {
    output: createOutput(stdout, (text) => write(text)),
    flush: () => new Promise((resolve) => write('', () => resolve())),
  }
}
