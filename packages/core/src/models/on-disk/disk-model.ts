import type { Stats } from 'node:fs'
import type { GgufHeader } from '../gguf.ts'

/** Programs whose files are found, best known first: that order decides who keeps a name. */
export type DiskProgram = 'ollama' | 'lm-studio' | 'hugging-face' | 'llama.cpp' | 'folder'

/** A model file that another program, or the user, put on this machine. It is read, and never written or moved. */
export interface DiskModel {
  /** As people know it from its program; none twice. */
  name: string
  program: DiskProgram
  /** The program, or for `folder` the folder as it was configured. */
  origin: string
  /** Of the first file. */
  path: string
  /** Of all files together. */
  sizeBytes: number
  /** ISO 8601. */
  modifiedAt: string
  /** `sha256:…`, where the program's own name for the file says it. */
  digest?: string
  license?: string
  header: FileHeader
}

/** What is kept of a header: the template may be long, and is read again when it is asked for. */
export type FileHeader = Omit<GgufHeader, 'chatTemplate' | 'version' | 'name'> & {
  /** Whether its template knows how to think aloud. */
  thinks?: boolean
}

/** Something that a person should know, and that kept nothing else from being found. */
export interface DiskNotice {
  kind: 'unreadable' | 'broken' | 'incomplete' | 'limit'
  path: string
  message: string
}

/** A file under its program's names for it, before anyone looked into it. */
export interface FoundFile {
  program: DiskProgram
  origin: string
  path: string
  /** From the shortest to the one that is surely its own. */
  names: readonly [string, ...string[]]
  /** Of the file, where the search has them. */
  stats?: Stats
  digest?: string
  license?: string
  /** Wins over another file of the same names, the larger the sooner. */
  rank?: number
}
