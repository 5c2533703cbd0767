import {
  Button,
  Divider,
  Dropdown,
  DropdownItem,
  DropdownList,
  MenuToggle,
  MenuToggleAction,
  Tooltip,
} from '@patternfly/react-core';
import CloneIcon from '@patternfly/react-icons/dist/esm/icons/clone-icon';
import EllipsisVIcon from '@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon';
import PlayIcon from '@patternfly/react-icons/dist/esm/icons/play-icon';
import PowerOffIcon from '@patternfly/react-icons/dist/esm/icons/power-off-icon';
import {
  type ActionState,
  type GuestAction,
  type GuestState,
  guestActions,
} from '@ryokan/api/guest-actions.ts';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useSearchParams } from 'react-router';
import { nameOf, type PowerAction } from '../../api/guest-kinds.ts';
import type { Guest } from '../../api/rows.ts';
import { may } from '../../api/session.ts';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { useT } from '../../i18n/index.ts';
import {
  actionLabels,
  confirmText,
  hasPower,
  openConsoleWindow,
  reasonText,
  runAction,
} from './guest-run.ts';
import { openSpice } from './spice.ts';

const CloneDialog = lazy(() => import('./clone-dialog.tsx'));
const TemplateDialog = lazy(() => import('./template-dialog.tsx'));
const HibernateDialog = lazy(() => import('./hibernate-dialog.tsx'));
const RemoveGuestDialog = lazy(() => import('./remove-dialog.tsx'));

const privileges = {
  remove: 'VM.Allocate',
  template: 'VM.Allocate',
  clone: 'VM.Clone',
  console: 'VM.Console',
} as const;
const privilegeOf = (action: GuestAction) =>
  action in privileges ? privileges[action as keyof typeof privileges] : 'VM.PowerMgmt';

/** Dialogs with a form of their own; the other actions only ask. */
const otherDialogs = ['clone', 'template', 'hibernate', 'remove'] as const;
type OtherDialog = (typeof otherDialogs)[number];

const isOtherDialog = (asked: string | undefined): asked is OtherDialog =>
  otherDialogs.some((one) => one === asked);

function OtherDialogs(props: { dialog: OtherDialog; guest: Guest; state: GuestState; onClose: () => void }) {
  switch (props.dialog) {
    case 'clone':
      return <CloneDialog {...props} template={Boolean(props.state.template)} />;
    case 'template':
      return <TemplateDialog {...props} />;
    case 'hibernate':
      return <HibernateDialog {...props} />;
    case 'remove':
      return <RemoveGuestDialog {...props} />;
  }
}

/** Buttons of a guest: what cannot be done now stands there too, with the reason. */
export function GuestActions(props: { guest: Guest; state: GuestState; spice: boolean }) {
  const { guest, state, spice } = props;
  const t = useT();
  const [asked, setAsked] = useState<PowerAction | OtherDialog>();
  const [open, setOpen] = useState<'power' | 'more'>();
  const actions = new Map(guestActions(state).map((one) => [one.action, one]));
  const reason = (one: ActionState | undefined): string | undefined => {
    if (!one) return undefined;
    if (!may('vms', privilegeOf(one.action))) return t('reason.noPermission');
    return one.reason ? reasonText(one.reason.key, state.lock, t) : undefined;
  };
  // The palette asks for an action by the address. It is never done without asking: anybody can send a link.
  const [search, setSearch] = useSearchParams();
  const wanted = search.get('do');
  useEffect(() => {
    if (wanted === null) return;
    if (hasPower(guest, wanted) && confirmText(guest, wanted)) setAsked(wanted);
    setSearch(
      (before) => {
        before.delete('do');
        return before;
      },
      { replace: true },
    );
  }, [guest, wanted, setSearch]);
  const trigger = (action: PowerAction) => {
    setOpen(undefined);
    if (confirmText(guest, action)) setAsked(action);
    else void runAction(guest, action);
  };
  const has = (action: PowerAction) => hasPower(guest, action);
  const main: PowerAction =
    has('resume') && actions.get('resume')?.allowed && state.status !== 'stopped' ? 'resume' : 'start';
  const ask = (what: OtherDialog) => {
    setOpen(undefined);
    setAsked(what);
  };
  const item = (action: PowerAction) => (
    <ActionItem
      key={action}
      label={t(actionLabels[action])}
      reason={reason(actions.get(action))}
      danger={action === 'stop' || action === 'reset'}
      onClick={() => trigger(action)}
    />
  );
  const power = state.template ? (
    <ActionButton
      label={t(actionLabels.clone)}
      icon={<CloneIcon />}
      reason={reason(actions.get('clone'))}
      onClick={() => ask('clone')}
    />
  ) : (
    <>
      <ActionButton
        label={t(actionLabels[main])}
        icon={<PlayIcon />}
        reason={reason(actions.get(main))}
        onClick={() => trigger(main)}
      />
      <Dropdown
        isOpen={open === 'power'}
        onOpenChange={(next) => setOpen(next ? 'power' : undefined)}
        popperProps={{ position: 'end' }}
        toggle={(ref) => (
          <MenuToggle
            ref={ref}
            size="sm"
            isExpanded={open === 'power'}
            aria-label={t('guest.powerMenu')}
            onClick={() => setOpen(open === 'power' ? undefined : 'power')}
            splitButtonItems={[
              <MenuToggleAction
                key="shutdown"
                onClick={() => trigger('shutdown')}
                isDisabled={reason(actions.get('shutdown')) !== undefined}
              >
                <PowerOffIcon /> {t(actionLabels.shutdown)}
              </MenuToggleAction>,
            ]}
          />
        )}
      >
        <DropdownList>
          {(['reboot', 'suspend', 'resume'] as const).filter(has).map(item)}
          {guest.type === 'qemu' ? (
            <ActionItem
              label={t('guest.hibernate')}
              reason={reason(actions.get('suspend'))}
              danger={false}
              onClick={() => ask('hibernate')}
            />
          ) : null}
          {(['stop', 'reset'] as const).filter(has).map(item)}
        </DropdownList>
      </Dropdown>
    </>
  );
  return (
    <>
      {power}
      <Dropdown
        isOpen={open === 'more'}
        onOpenChange={(next) => setOpen(next ? 'more' : undefined)}
        popperProps={{ position: 'end' }}
        toggle={(ref) => (
          <MenuToggle
            ref={ref}
            size="sm"
            variant="plain"
            isExpanded={open === 'more'}
            aria-label={t('guest.moreMenu')}
            onClick={() => setOpen(open === 'more' ? undefined : 'more')}
            icon={<EllipsisVIcon />}
          />
        )}
      >
        <DropdownList>
          {state.template ? null : (
            <>
              <DropdownItem
                isAriaDisabled={!actions.get('console')?.allowed}
                onClick={() => {
                  setOpen(undefined);
                  openConsoleWindow(guest);
                }}
              >
                {t('console.popup')}
              </DropdownItem>
              {spice ? (
                <ActionItem
                  label={t('spice.open')}
                  reason={reason(actions.get('console'))}
                  danger={false}
                  onClick={() => {
                    setOpen(undefined);
                    void openSpice(guest);
                  }}
                />
              ) : null}
              <ActionItem
                label={t(actionLabels.clone)}
                reason={reason(actions.get('clone'))}
                danger={false}
                onClick={() => ask('clone')}
              />
              <ActionItem
                label={t(actionLabels.template)}
                reason={reason(actions.get('template'))}
                danger={false}
                onClick={() => ask('template')}
              />
              <Divider component="li" />
            </>
          )}
          <ActionItem
            label={t(actionLabels.remove)}
            reason={reason(actions.get('remove'))}
            danger
            onClick={() => ask('remove')}
          />
        </DropdownList>
      </Dropdown>
      {isOtherDialog(asked) ? (
        <Suspense fallback={null}>
          <OtherDialogs dialog={asked} guest={guest} state={state} onClose={() => setAsked(undefined)} />
        </Suspense>
      ) : asked ? (
        <ConfirmDialog
          title={t('guest.confirmTitle', { action: t(actionLabels[asked]), name: nameOf(guest) })}
          body={t(confirmText(guest, asked) ?? actionLabels[asked])}
          confirm={t(actionLabels[asked])}
          danger={asked === 'stop' || asked === 'reset'}
          disabled={reason(actions.get(asked)) !== undefined}
          onClose={() => setAsked(undefined)}
          onConfirm={() => {
            setAsked(undefined);
            void runAction(guest, asked);
          }}
        />
      ) : null}
    </>
  );
}

function ActionButton(props: {
  label: string;
  icon: React.ReactNode;
  reason: string | undefined;
  onClick: () => void;
}) {
  const button = (
    <Button
      variant="secondary"
      size="sm"
      icon={props.icon}
      isAriaDisabled={props.reason !== undefined}
      onClick={props.onClick}
    >
      {props.label}
    </Button>
  );
  return props.reason ? <Tooltip content={props.reason}>{button}</Tooltip> : button;
}

function ActionItem(props: {
  label: string;
  reason: string | undefined;
  danger: boolean;
  onClick: () => void;
}) {
  return (
    <DropdownItem
      isAriaDisabled={props.reason !== undefined}
      description={props.reason}
      isDanger={props.danger && props.reason === undefined}
      onClick={props.onClick}
    >
      {props.label}
    </DropdownItem>
  );
}
