import type { ChatOptions } from 'lmapp-kit'
import type { ProgramConfig } from '../config/config.ts'
import type { RenderedPrompt } from './render-prompt.ts'

export interface ArgumentValues extends RenderedPrompt {
  model: string
  options: ChatOptions
}

/**
 * What the program gets after its name. Arguments of settings and system prompt stand where `{args}` does, else before
 * `--`, else at the end. Everything is filled in once, so that a prompt may hold the name of a placeholder.
 */
export function toArguments(program: ProgramConfig, values: ArgumentValues): string[] {
  const { model, prompt } = values
  const [, ...fixed] = program.command
  const known = program.prompt === 'argument' ? { model, prompt } : { model }
  const more = [...toSystemArguments(program, values), ...toOptionArguments(program, values)]
  const place = findPlace(fixed)
  const dashes = fixed.indexOf('--')
  const filled = fixed.map((argument, at) => fill(argument, known, dashes !== -1 && at > dashes))
  return [...filled.slice(0, place.at), ...more, ...filled.slice(place.after)]
}

/** Which of the settings have no arguments of their own. */
export function unmappedOptions({ options: mapped }: ProgramConfig, options: ChatOptions): string[] {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return given.map(([name]) => name).filter((name) => !Object.hasOwn(mapped, name))
}

function findPlace(fixed: readonly string[]): { at: number; after: number } {
  const marked = fixed.indexOf('{args}')
  if (marked !== -1) return { at: marked, after: marked + 1 }
  const dashes = fixed.indexOf('--')
  const at = dashes === -1 ? fixed.length : dashes
  return { at, after: at }
}

function toSystemArguments({ system: args = [] }: ProgramConfig, { system, model }: ArgumentValues): string[] {
  return system === '' ? [] : args.map((argument) => fill(argument, { system, model }))
}

function toOptionArguments(program: ProgramConfig, { options, model }: ArgumentValues): string[] {
  return Object.entries(program.options).flatMap(([name, args]) =>
    valuesOf(options[name as keyof ChatOptions]).flatMap((value) =>
      args.map((argument) => fill(argument, { value, model })),
    ),
  )
}

/** `stop` has several values, and its arguments come once for each. */
function valuesOf(value: ChatOptions[keyof ChatOptions]): string[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [String(value)]
}

const placeholder = /\{(model|prompt|system|value)\}/g

/**
 * `isData`: behind `--`, where nothing is taken for an option. Elsewhere a text that begins with `-` gets a space
 * before it: who may ask a question may not thereby give orders to the program.
 */
function fill(argument: string, values: Readonly<Record<string, string>>, isData = false): string {
  const filled = argument.replace(placeholder, (whole, name: string) => values[name] ?? whole)
  const isOption = filled.startsWith('-') && !argument.startsWith('-')
  return isOption && !isData ? ` ${filled}` : filled
}
