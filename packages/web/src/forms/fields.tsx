/** Form fields with label, help and problem in one place, so that every form looks and reads the same. */
import {
  Checkbox,
  FormGroup,
  FormHelperText,
  FormSelect,
  FormSelectOption,
  HelperText,
  HelperTextItem,
  TextArea,
  TextInput,
} from '@patternfly/react-core';
import type { ReactNode } from 'react';

interface Common {
  readonly id: string;
  readonly label: string;
  readonly help?: ReactNode;
  /** What is wrong with the value. */
  readonly problem?: string | undefined;
  readonly disabled?: boolean;
  readonly required?: boolean;
}

export function Field({ id, label, help, problem, required, children }: Common & { children: ReactNode }) {
  return (
    <FormGroup label={label} fieldId={id} isRequired={required ?? false}>
      {children}
      {help || problem ? (
        <FormHelperText>
          <HelperText id={`${id}-help`} aria-live="polite">
            {problem ? <HelperTextItem variant="error">{problem}</HelperTextItem> : null}
            {help && !problem ? <HelperTextItem>{help}</HelperTextItem> : null}
          </HelperText>
        </FormHelperText>
      ) : null}
    </FormGroup>
  );
}

const described = (props: Common) =>
  props.help || props.problem ? { 'aria-describedby': `${props.id}-help` } : {};
const validated = (props: Common) => (props.problem ? ('error' as const) : ('default' as const));

export function TextField(
  props: Common & {
    value: string;
    onChange: (value: string) => void;
    placeholder?: string;
    mono?: boolean;
    type?: 'text' | 'password';
    /** Values that are offered while one types. */
    suggestions?: readonly string[];
  },
) {
  const list = props.suggestions?.length ? `${props.id}-list` : undefined;
  return (
    <Field {...props}>
      <TextInput
        id={props.id}
        list={list}
        type={props.type ?? 'text'}
        value={props.value}
        placeholder={props.placeholder}
        isDisabled={props.disabled ?? false}
        validated={validated(props)}
        className={props.mono ? 'ry-mono-input' : ''}
        autoComplete={props.type === 'password' ? 'new-password' : 'off'}
        spellCheck="false"
        onChange={(_, value) => props.onChange(value)}
        {...described(props)}
      />
      {list ? (
        <datalist id={list}>
          {props.suggestions?.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      ) : null}
    </Field>
  );
}

/** Text of several lines. */
export function AreaField(
  props: Common & {
    value: string;
    onChange: (value: string) => void;
    placeholder?: string;
    mono?: boolean;
    rows?: number;
  },
) {
  return (
    <Field {...props}>
      <TextArea
        id={props.id}
        value={props.value}
        placeholder={props.placeholder}
        rows={props.rows ?? 3}
        isDisabled={props.disabled ?? false}
        validated={validated(props)}
        resizeOrientation="vertical"
        className={props.mono ? 'ry-mono-input' : ''}
        spellCheck={props.mono ? 'false' : 'true'}
        onChange={(_, value) => props.onChange(value)}
        {...described(props)}
      />
    </Field>
  );
}

/** A number kept as the text that was typed, so that a half-typed value is never lost; the schema judges it. */
export function NumberField(
  props: Common & {
    value: string;
    onChange: (value: string) => void;
    unit?: string;
    min?: number;
    max?: number;
    step?: number;
    placeholder?: string;
  },
) {
  return (
    <Field {...props}>
      <span className="ry-number-field">
        <TextInput
          id={props.id}
          type="number"
          inputMode="numeric"
          value={props.value}
          placeholder={props.placeholder}
          isDisabled={props.disabled ?? false}
          validated={validated(props)}
          min={props.min}
          max={props.max}
          step={props.step ?? 1}
          onChange={(_, value) => props.onChange(value)}
          {...described(props)}
        />
        {props.unit ? <span className="ry-unit">{props.unit}</span> : null}
      </span>
    </Field>
  );
}

export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly disabled?: boolean;
}

export function SelectField(
  props: Common & {
    value: string;
    onChange: (value: string) => void;
    choices: readonly Choice[];
    children?: ReactNode;
  },
) {
  return (
    <Field {...props}>
      <span className="ry-select-field">
        <FormSelect
          id={props.id}
          value={props.value}
          isDisabled={props.disabled ?? false}
          validated={validated(props)}
          onChange={(_, value) => props.onChange(value)}
          {...described(props)}
        >
          {props.choices.map((one) => (
            <FormSelectOption
              key={one.value}
              value={one.value}
              label={one.label}
              isDisabled={one.disabled ?? false}
            />
          ))}
        </FormSelect>
        {props.children}
      </span>
    </Field>
  );
}

export function CheckField(props: {
  id: string;
  label: string;
  help?: string;
  value: boolean;
  onChange: (value: boolean) => void;
  disabled?: boolean;
}) {
  return (
    <Checkbox
      id={props.id}
      label={props.label}
      description={props.help}
      isChecked={props.value}
      isDisabled={props.disabled ?? false}
      onChange={(_, checked) => props.onChange(checked)}
    />
  );
}
