"""The engine of rnn-tui: recurrences as texts of equations, walked forward and backward through time.

    from rnn_engine.session import Session
    from rnn_engine.training import training_steps

    session = Session.load("sessions/hi-there-class-bptt.json")
    for step in training_steps(session.run):
        print(step.address, step.value)

Nothing is imported here: whoever needs one room does not pay for the others.
"""
