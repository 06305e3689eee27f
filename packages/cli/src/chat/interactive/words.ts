import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { CommandContext } from '../../context.ts'

type PathContext = Pick<CommandContext, 'environment' | 'directory' | 'platform'>

/**
 * The paths in what was typed, as a shell would read them: in quotes, or with a backslash before a space. Where all of
 * it is the name of one file, it is that: nobody should have to quote it.
 */
export function toPaths(typed: string, context: PathContext): string[] {
  const whole = toPath(typed, context)
  if (existsSync(resolve(context.directory, whole))) return [whole]
  return splitWords(typed, context.platform).map((word) => toPath(word, context))
}

/** With `~/` as the home folder: no shell reads it here. */
export function toPath(word: string, { environment }: PathContext): string {
  const [, rest] = /^~(?:[/\\](.*))?$/.exec(word) ?? [undefined, undefined]
  if (!word.startsWith('~') || (word !== '~' && rest === undefined)) return word
  return join(environment.HOME ?? homedir(), rest ?? '')
}

/** A backslash is part of a name on Windows. */
export function splitWords(typed: string, platform: NodeJS.Platform): string[] {
  const words = platform === 'win32' ? /"([^"]*)"|'([^']*)'|(\S+)/g : /"([^"]*)"|'([^']*)'|((?:\\.|[^\s\\])+)/g
  return [...typed.matchAll(words)].map(([, double, single, bare = '']) => {
    if (double !== undefined || single !== undefined) return double ?? single ?? ''
    return platform === 'win32' ? bare : bare.replace(/\\(.)/g, '$1')
  })
}
