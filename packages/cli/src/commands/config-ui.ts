import { createDefaultConfigText, parseConfig } from '@lmapp/core/config'
import { isLmappError, LmappError } from 'lmapp-kit'
import type { ConfigDraft } from '../config-ui/draft.ts'
import { editSetting } from '../config-ui/edit-setting.ts'
import { openForm } from '../config-ui/form.ts'
import { describeOrigin, describeValue, listSettings, type Setting } from '../config-ui/settings.ts'
import { type CommandContext, withService } from '../context.ts'
import { formatPlural } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { toOneLine } from '../output/sanitize.ts'
import { displayWidth, fitWidth } from '../output/width.ts'
import { findPlaces } from '../service/service-places.ts'
import { printProblems, readConfigText, replaceConfigFile } from './config.ts'

/** `lmapp config ui`: every setting, its meaning and where its value comes from; each change is written when it is right. */
export async function configUi(context: CommandContext): Promise<number> {
  if (context.stdin.kind !== 'terminal' || !context.stdout.canRedraw) {
    throw new LmappError('bad-input', 'The form needs a terminal that can be drawn on.', {
      hint: 'Without one: lmapp config show, lmapp config set KEY VALUE',
    })
  }
  const { configFile } = findPlaces(context.environment)
  const draft = await openDraft(context, configFile)
  const { problems } = parseConfig(draft.text, configFile)
  await printProblems(context, problems)
  const form = await openForm(context)
  let last: string | undefined
  for (;;) {
    const settings = listSettings(draft.text, context.environment)
    const choices = settings.map((setting) => ({
      value: setting as Setting | 'leave',
      ...toLine(setting, context.stdout.columns),
    }))
    const initial = settings.find(({ path }) => path === last)
    const chosen = await form.choose(configFile, [...choices, { value: 'leave', label: 'leave' }], initial)
    if (chosen === undefined || chosen === 'leave') return 0
    last = chosen.path
    try {
      await editSetting(form, draft, chosen)
    } catch (error) {
      if (!isLmappError(error)) throw error
      form.tell([error.message, error.hint].join('\n'), 'not written')
    }
  }
}

/** What the list puts around a label and its hint. */
const around = 10

function toLine(setting: Setting, width: number): { label: string; hint: string } {
  const label = fitWidth(`${setting.path} = ${describeValue(setting)}`, width - around)
  const hint = `${describeOrigin(setting.origin)} · ${toOneLine(setting.description.doc)}`
  return { label, hint: fitWidth(hint, Math.max(width - around - displayWidth(label), 1)) }
}

async function openDraft(context: CommandContext, configFile: string): Promise<ConfigDraft> {
  let text = (await readConfigText(configFile)) ?? createDefaultConfigText()
  return {
    get text() {
      return text
    },
    async write(edited) {
      if (edited === text) return
      await replaceConfigFile(configFile, edited)
      text = edited
      await printNotice(context.stderr, `Written: ${configFile}`)
    },
    async test(backend) {
      try {
        return await withService(context, async (client) => {
          const { state, reason, version } = await client.showBackend(backend)
          if (reason !== null || (state !== 'running' && state !== 'stopped'))
            return `${state}: ${reason ?? 'it says no more'}`
          const models = formatPlural((await client.listModels({ backend })).length, 'model')
          if (state === 'stopped') return `It is started when it is needed: ${models}.`
          return `It answers: ${version ? `version ${version}, ` : ''}${models}.`
        })
      } catch (error) {
        if (!isLmappError(error)) throw error
        return `${error.message}\n${error.hint}`
      }
    },
  }
}
