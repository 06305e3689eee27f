import type { SlashCommand } from '../chat.ts'
import { continueCommand, editCommand, retryCommand, undoCommand } from './answer.ts'
import { fileCommand, imageCommand } from './attach.ts'
import { compactCommand } from './compact.ts'
import { clearCommand, exitCommand, forkCommand, historyCommand, openCommand, renameCommand } from './conversations.ts'
import { copyCommand } from './copy.ts'
import { exportCommand } from './export.ts'
import { createHelpCommand } from './help.ts'
import { modelCommand, modelsCommand } from './model.ts'
import { setCommand } from './set.ts'
import { statsCommand } from './stats.ts'
import { personaCommand, systemCommand } from './system.ts'

/** In the order in which /help shows them. */
export const slashCommands: readonly SlashCommand[] = [
  createHelpCommand(() => slashCommands),
  modelCommand,
  modelsCommand,
  systemCommand,
  personaCommand,
  fileCommand,
  imageCommand,
  retryCommand,
  editCommand,
  undoCommand,
  continueCommand,
  copyCommand,
  historyCommand,
  openCommand,
  renameCommand,
  forkCommand,
  compactCommand,
  exportCommand,
  statsCommand,
  setCommand,
  clearCommand,
  exitCommand,
]

export { toUnknown } from './help.ts'
