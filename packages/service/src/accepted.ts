import type { RoleName } from '@nv2/tuf'
import type { Plan } from './plan.js'
import type { UploadState } from './records.js'

import { samePayload } from './roots.js'
import type { State } from './state.js'
import { filesOf, type RoleFile, type Upload } from './upload.js'

/** The answer to an upload. */
export interface Accepted {
  readonly id: string
  readonly state: UploadState
  /** False: the same upload was here before. */
  readonly created: boolean
  readonly roles: readonly { readonly role: RoleName; readonly version: number }[]
  readonly resign: readonly RoleName[]
  readonly warnings: readonly string[]
}

export function isThere(plan: Plan, upload: Upload, file: RoleFile): boolean {
  return file.role === 'root' ? plan.hasRoot(upload) : plan.holds(file)
}

export function isPublished({ published }: State, upload: Upload): boolean {
  return upload.roles.every((file) => {
    const held = published.view.roles.get(file.role)
    return held !== undefined && samePayload(held, file.envelope)
  })
}

export function outline(upload: Upload): Pick<Accepted, 'id' | 'roles'> {
  return { id: upload.id, roles: filesOf(upload).map(({ role, version }) => ({ role, version })) }
}
