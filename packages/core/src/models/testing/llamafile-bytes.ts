import { ggufBytes } from './gguf-bytes.ts'
import { zipBytes } from './wheel-bytes.ts'

export interface LlamafileOptions {
  /** Of the program. */
  beginning?: string | Buffer
  /** Of the zip. */
  members?: Readonly<Record<string, Buffer>>
  isCompressed?: boolean
}

/** A program that cannot be run, with a zip at its end, as llamafiles are laid out. */
export function llamafileBytes(options: LlamafileOptions = {}): Buffer {
  const { beginning = "MZqFpD='\n", isCompressed = false } = options
  const members = options.members ?? { '.args': Buffer.from('-m\ntiny.gguf\n'), 'tiny.gguf': ggufBytes() }
  const program = Buffer.alloc(4096)
  Buffer.from(beginning).copy(program)
  return Buffer.concat([program, zipBytes(members, { isCompressed, start: program.length })])
}
