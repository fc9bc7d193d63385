"""The addresses of the screens of people, below ``/people/``."""

from __future__ import annotations

from django.urls import path

from dispatch.web.people import invitations, reviews, views

urlpatterns = [
    path("invite/", invitations.invite, name="person_invite"),
    path(
        "invitations/<int:invitation_id>/withdraw/",
        invitations.withdraw,
        name="invitation_withdraw",
    ),
    path("review/<uuid:seller_id>/", reviews.review, name="review"),
    path("reviews/<int:review_id>/export.csv", reviews.export, name="review_export"),
    path("", views.index, name="people"),
    path("<int:membership_id>/role/", views.role, name="person_role"),
    path("<int:membership_id>/remove/", views.remove, name="person_remove"),
    path("technicians/new/", views.add_technician, name="technician_add"),
    path("technicians/<int:technician_id>/", views.edit_technician, name="technician"),
    path(
        "technicians/<int:technician_id>/remove/", views.remove_technician, name="technician_remove"
    ),
]
