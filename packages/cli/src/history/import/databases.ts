import type { ReadContext } from './context.ts'
import type { ImportedConversation, ImportKind } from './imported.ts'
import { isLlmDatabase, readLlm } from './llm.ts'
import { isOllamaDatabase, readOllamaApp } from './ollama-app.ts'
import { isOpenWebUiDatabase, readOpenWebUiDatabase } from './open-webui-database.ts'
import type { ForeignDatabase } from './sqlite.ts'

export interface DatabaseReader {
  kind: ImportKind
  is(database: ForeignDatabase): boolean
  read(database: ForeignDatabase, context: ReadContext): AsyncIterable<ImportedConversation>
}

const readers: readonly DatabaseReader[] = [
  { kind: 'llm', is: isLlmDatabase, read: readLlm },
  { kind: 'ollama-app', is: isOllamaDatabase, read: readOllamaApp },
  { kind: 'open-webui-database', is: isOpenWebUiDatabase, read: readOpenWebUiDatabase },
]

export function findDatabaseReader(database: ForeignDatabase): DatabaseReader | undefined {
  return readers.find(({ is }) => is(database))
}
