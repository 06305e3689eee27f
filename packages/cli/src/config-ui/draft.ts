import { setConfigValue } from '@lmapp/core/config'
import { isLmappError } from 'lmapp-kit'
import { toOneLine } from '../output/sanitize.ts'

/** The file that the form edits. Every change is checked, then written at once. */
export interface ConfigDraft {
  readonly text: string
  write(text: string): Promise<void>
  /** How a backend does, as the service sees it with what is written. */
  test(backend: string): Promise<string>
}

/** What would be said if this were set. */
export function problemOf(text: string, path: string, value: unknown): string | undefined {
  try {
    setConfigValue(text, path, value)
    return undefined
  } catch (error) {
    if (isLmappError(error)) return toOneLine(error.message)
    throw error
  }
}
