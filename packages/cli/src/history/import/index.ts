export type { ImportedConversation, ImportedMessage, ImportKind, ImportNotice } from './imported.ts'
export { type Import, type ImportSource, importSources, type ReadImportOptions, readImport } from './read-import.ts'
