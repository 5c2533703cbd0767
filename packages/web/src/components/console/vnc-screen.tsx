import RFB from '@novnc/novnc';
import {
  Button,
  Dropdown,
  DropdownItem,
  DropdownList,
  MenuToggle,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
  TextArea,
  ToggleGroup,
  ToggleGroupItem,
} from '@patternfly/react-core';
import { ApiError } from '@ryokan/api/client.ts';
import { messageOf } from '@ryokan/api/errors.ts';
import { qemuVncproxy, qemuVncwebsocket } from '@ryokan/api/methods/qemu.ts';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { api } from '../../api/session.ts';
import { useT } from '../../i18n/index.ts';
import { ConsoleFrame } from './console-frame.tsx';
import { combinations, type Key, shift, strokesOf } from './keys.ts';
import { connectSoon, useReconnect } from './use-reconnect.ts';
import { consoleUrl } from './websocket-url.ts';

export interface VncScreenProps {
  readonly node: string;
  readonly vmid: number;
  /** False: the guest does not run, so there is no screen to connect to. */
  readonly running: boolean;
  /** More buttons for the toolbar. */
  readonly actions?: ReactNode;
  /** Shown in the place of the screen while the guest does not run. */
  readonly stopped: ReactNode;
}

/** The guest's screen with its toolbar; connects again by itself when the connection or the guest comes back. */
export function VncScreen({ node, vmid, running, actions, stopped }: VncScreenProps) {
  const t = useT();
  const attempt = useReconnect();
  const target = useRef<HTMLDivElement>(null);
  const rfb = useRef<RFB>(null);
  const [fit, setFit] = useState(true);
  const fitNow = useRef(fit);
  const [pasting, setPasting] = useState(false);
  const { connected, lost, failed } = attempt;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the attempt's number is what starts a connection
  useEffect(() => {
    const element = target.current;
    if (!running || !element) return;
    let closed = false;
    let screen: RFB | undefined;
    const open = async () => {
      const access = await api.call(qemuVncproxy, { node, vmid, websocket: true, 'generate-password': true });
      if (closed) return;
      screen = new RFB(element, consoleUrl(qemuVncwebsocket.path, { node, vmid }, access), {
        shared: true,
        credentials: { password: access.password ?? access.ticket },
        wsProtocols: ['binary'],
      });
      rfb.current = screen;
      screen.background = 'var(--ry-terminal)';
      screen.scaleViewport = fitNow.current;
      screen.clipViewport = false;
      screen.focusOnClick = true;
      screen.showDotCursor = true;
      screen.addEventListener('connect', () => {
        connected();
        screen?.focus({ preventScroll: true });
      });
      screen.addEventListener('securityfailure', ({ detail }) =>
        failed(detail.reason ?? t('console.refused')),
      );
      screen.addEventListener('disconnect', () => {
        screen = undefined;
        if (!closed) lost();
      });
      screen.addEventListener('clipboard', ({ detail }) => {
        // The browser may refuse without a recent gesture; the text is then lost, as with a real screen.
        void navigator.clipboard?.writeText(detail.text).catch(() => undefined);
      });
    };
    const refused = (error: unknown) => {
      if (closed) return;
      if (error instanceof ApiError && error.code === 'forbidden') failed(messageOf(error));
      else lost(messageOf(error));
    };
    const cancel = connectSoon(() => void open().catch(refused));
    return () => {
      closed = true;
      cancel();
      rfb.current = null;
      screen?.disconnect();
    };
  }, [node, vmid, running, attempt.number]);

  const setScale = (next: boolean) => {
    setFit(next);
    fitNow.current = next;
    if (rfb.current) rfb.current.scaleViewport = next;
  };
  const press = (keys: readonly Key[]) => {
    for (const key of keys) rfb.current?.sendKey(key.keysym, key.code, true);
    for (const key of [...keys].reverse()) rfb.current?.sendKey(key.keysym, key.code, false);
    rfb.current?.focus();
  };
  const on = running && attempt.status === 'connected';
  return (
    <ConsoleFrame
      status={running ? attempt.status : 'off'}
      message={attempt.message}
      onRetry={attempt.retry}
      scroll={!fit}
      off={stopped}
      toolbar={
        <>
          <Button
            variant="secondary"
            size="sm"
            isDisabled={!on}
            onClick={() => rfb.current?.sendCtrlAltDel()}
          >
            Ctrl+Alt+Del
          </Button>
          <KeyMenu isDisabled={!on} onChoose={press} />
          <Button variant="secondary" size="sm" isDisabled={!on} onClick={() => setPasting(true)}>
            {t('console.paste')}
          </Button>
          <ToggleGroup aria-label={t('console.scale')} isCompact>
            <ToggleGroupItem text={t('console.fit')} isSelected={fit} onChange={() => setScale(true)} />
            <ToggleGroupItem text="1:1" isSelected={!fit} onChange={() => setScale(false)} />
          </ToggleGroup>
          {actions}
        </>
      }
    >
      <div ref={target} className="ry-screen" data-testid="vnc-screen" />
      {pasting ? (
        <PasteDialog
          onClose={() => setPasting(false)}
          onClipboard={(text) => rfb.current?.clipboardPasteFrom(text)}
          onType={(text) => typeText(rfb.current, text)}
        />
      ) : null}
    </ConsoleFrame>
  );
}

/** Types with a small pause between strokes: firmware and installers drop keys that come too fast. */
async function typeText(screen: RFB | null, text: string): Promise<void> {
  for (const stroke of strokesOf(text)) {
    if (stroke.shift) screen?.sendKey(shift.keysym, shift.code, true);
    screen?.sendKey(stroke.keysym, null);
    if (stroke.shift) screen?.sendKey(shift.keysym, shift.code, false);
    await new Promise((resolve) => setTimeout(resolve, 12));
  }
  screen?.focus();
}

function KeyMenu({
  isDisabled,
  onChoose,
}: {
  isDisabled: boolean;
  onChoose: (keys: readonly Key[]) => void;
}) {
  const t = useT();
  const [open, setOpen] = useState(false);
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          size="sm"
          isDisabled={isDisabled}
          isExpanded={open}
          onClick={() => setOpen(!open)}
        >
          {t('console.keys')}
        </MenuToggle>
      )}
    >
      <DropdownList>
        {combinations.map((one) => (
          <DropdownItem
            key={one.name}
            onClick={() => {
              setOpen(false);
              onChoose(one.keys);
            }}
          >
            {one.name}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}

function PasteDialog(props: {
  onClose: () => void;
  onClipboard: (text: string) => void;
  onType: (text: string) => void;
}) {
  const t = useT();
  const [text, setText] = useState('');
  return (
    <Modal
      variant="small"
      isOpen
      onClose={props.onClose}
      aria-labelledby="paste-title"
      elementToFocus="#paste-text"
    >
      <ModalHeader
        title={t('console.pasteTitle')}
        labelId="paste-title"
        description={t('console.pasteHelp')}
      />
      <ModalBody>
        <TextArea
          id="paste-text"
          aria-label={t('console.pasteTitle')}
          value={text}
          rows={6}
          onChange={(_, value) => setText(value)}
        />
      </ModalBody>
      <ModalFooter>
        <Button
          isDisabled={!text}
          onClick={() => {
            props.onClose();
            props.onType(text);
          }}
        >
          {t('console.type')}
        </Button>
        <Button
          variant="secondary"
          isDisabled={!text}
          onClick={() => {
            props.onClose();
            props.onClipboard(text);
          }}
        >
          {t('console.setClipboard')}
        </Button>
        <Button variant="link" onClick={props.onClose}>
          {t('action.cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
